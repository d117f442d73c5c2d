#include "event_leaf.h"
