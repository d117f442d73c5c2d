#include "merkle_proof.h"
