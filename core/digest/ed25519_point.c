#include "ed25519_point.h"
