/* The end of what in_file.h begins, as far as the shim needs the plain names. */
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef strdup
#undef strndup
#undef memcpy
#undef write
#undef close
