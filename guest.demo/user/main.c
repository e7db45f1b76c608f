/* One image, several programs: the first word of the command says which. */
#include "user.h"

static const struct { const char *name; program *run; } programs[] = {
  {"bench", bench_main},
  {"test", test_main},
  {"hog", hog_main},
  {"exit", exit_main},
};

int hog_main(int argc, char **argv) {
  (void)argc, (void)argv;
  for (;;) barrier();
}

int exit_main(int argc, char **argv) { return argc > 1 ? (int)number(argv[1], 0) : 0; }

void start(char *command) {
  char *argv[32];
  u32 argc = 0;
  for (char *p = command; *p && argc < ARRAY_LEN(argv);) {
    while (*p == ' ') *p++ = 0;
    if (!*p) break;
    argv[argc++] = p;
    while (*p && *p != ' ') p++;
  }
  for (u32 i = 0; i < ARRAY_LEN(programs) && argc; i++)
    if (!strcmp(argv[0], programs[i].name)) exit(programs[i].run(argc, argv));
  print("%s: no such program\n", argc ? argv[0] : "(nothing)");
  exit(127);
}
