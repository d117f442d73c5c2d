#include "stream_checker.h"
