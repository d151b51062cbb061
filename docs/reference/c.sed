# The comments of the C header, as Doxygen wants them; the first one is about the whole file.
1s|^|// @file\n|
s|^\( *\)//|\1///|
