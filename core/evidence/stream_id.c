#include "stream_id.h"
