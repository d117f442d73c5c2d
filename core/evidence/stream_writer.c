#include "stream_writer.h"
