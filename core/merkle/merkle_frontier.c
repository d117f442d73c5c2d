#include "merkle_frontier.h"
