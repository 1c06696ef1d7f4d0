#include "CDSP.h"  // everything is inlined; a target needs a source
