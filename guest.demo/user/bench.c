#include "user.h"
int bench_main(int argc, char **argv) { (void)argc; (void)argv; print("bench\n"); return 0; }
int test_main(int argc, char **argv) { (void)argc; (void)argv; print("test\n"); return 0; }
