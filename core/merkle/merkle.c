#include "merkle.h"
