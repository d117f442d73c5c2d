#include "batch_entry.h"
