// Builds the table EK_TABLE of one instruction set: the includer has set EK_W, the number of float
// lanes, and the target attributes.

#include "vector.h"

#include "row_elementwise.h"
#include "row_norm.h"
#include "row_softmax.h"
#include "row_experts.h"
#include "row_update.h"

const struct ek_table EK_TABLE = {
#define X(name, params, args) name,
    EK_KERNELS(X)
#undef X
};
