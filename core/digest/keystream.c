#include "keystream.h"
