#include "class_list.h"
