#include "CBundledModel.h"
const cbundledmodel_file cbundledmodel_files[1] = {{"none", 0, 0}};
const size_t cbundledmodel_file_count = 0;
