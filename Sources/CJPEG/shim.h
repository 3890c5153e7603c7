#include <jerror.h>
#include <jpeglib.h>
#include <stddef.h>
#include <stdio.h>
