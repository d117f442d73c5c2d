#include "open_batch.h"
