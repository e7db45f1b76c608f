/*
 * Tour 2.16: The shell
 *
 * A kernel task that reads a line, splits it and calls a function of a table. Benchmarks and user-mode tests run as
 * processes that it waits for. It does its own echo and editing: the Launcher's terminal is raw, and with a pipe nobody else
 * would.
 */
#include "kernel.h"

#define LINE_SIZE 512
#define MAX_WORDS 32
#define PROMPT "demo# "

static void erase(u32 n) {
  while (n--) print("\b \b");
}

/* Backspace, ^U (line), ^W (word), ^C (never mind), Return. Other control characters are ignored, and so is what does not fit. */
static bool read_line(char *line) {
  u32 n = 0;
  bool escape = false;
  for (;;) {
    int c = console_getc();
    if (escape) { /* an arrow key or the like: swallow it up to its final letter */
      escape = c == '[' || c == 'O' || (c >= '0' && c <= '?');
    } else if (c == 27) {
      escape = true;
    } else if (c == '\r' || c == '\n') {
      print("\n");
      line[n] = 0;
      return true;
    } else if (c == 3) {
      print("^C\n");
      return false;
    } else if (c == 8 || c == 127) {
      if (n) erase(1), n--;
    } else if (c == 21) {
      erase(n);
      n = 0;
    } else if (c == 23) {
      while (n && line[n - 1] == ' ') erase(1), n--;
      while (n && line[n - 1] != ' ') erase(1), n--;
    } else if (c >= 32 && n + 1 < LINE_SIZE) {
      line[n++] = (char)c;
      console_putc((char)c);
    }
  }
}

/* Runs a user program in the foreground and returns its exit status; ^C ends it with 130. */
int run_user(const char *command) {
  struct task *t = task_user(command);
  int status = 0;
  if (!t) {
    print("cannot start a process: out of memory or tasks\n");
    return 1;
  }
  task_wait(t->pid, &status);
  /* Children that it left behind end with it. */
  for (bool any = true; any;) {
    any = false;
    for (struct task *u = tasks; u < tasks + MAX_TASKS; u++)
      if (u->space && u->state != TASK_FREE && u->state != TASK_ZOMBIE) any = true;
    if (any) {
      task_kill_users();
      schedule();
    }
  }
  return status;
}

static int command_help(int argc, char **argv);

static int command_uname(int argc, char **argv) {
  (void)argc, (void)argv;
  print("demo guest on lguest, i686, page offset 0x%x, built with gcc %s\n", PAGE_OFFSET, __VERSION__);
  return 0;
}

static int command_uptime(int argc, char **argv) {
  (void)argc, (void)argv;
  u32 ns, idle_rest;
  u64 now = now_ns();
  u32 s = (u32)div64(now, NS_PER_SEC, &ns), idle = (u32)div64(idle_ns, NS_PER_SEC, &idle_rest);
  print("up %u.%03u s, idle %u.%03u s, %u ticks\n", s, ns / NS_PER_MS, idle, idle_rest / NS_PER_MS, ticks);
  return 0;
}

static int command_mem(int argc, char **argv) {
  (void)argc, (void)argv;
  extern char __kernel_start[], __bss_start[], __kernel_end[];
  print("total %u KiB, usable %u KiB, free %u KiB\n", memory_bytes / 1024, memory_pages * 4, pages_free * 4);
  print("kernel image %u KiB at 0x%x, with data %u KiB\n", (u32)(__bss_start - __kernel_start) / 1024, phys(__kernel_start),
        (u32)(__kernel_end - __kernel_start) / 1024);
  print("page directory at 0x%x\n", current_pgdir);
  return 0;
}

static int command_ps(int argc, char **argv) {
  (void)argc, (void)argv;
  static const char *const states[] = {"free", "ready", "waiting", "zombie"};
  print("  pid parent state   kind    pages switches cpu-ms name\n");
  for (struct task *t = tasks; t < tasks + MAX_TASKS; t++)
    if (t->state != TASK_FREE)
      print("%5d %6d %-7s %-7s %5u %8u %6u %s\n", t->pid, t->parent, states[t->state], t->space ? "user" : "kernel",
            t->space ? t->space->pages : 0, t->switches, (u32)div64(t->cpu_ns, NS_PER_MS, NULL), t->name);
  return 0;
}

static int command_echo(int argc, char **argv) {
  for (int i = 1; i < argc; i++) print(i > 1 ? " %s" : "%s", argv[i]);
  print("\n");
  return 0;
}

/* Days to year, month and day by counting 400-year cycles from 1 March 2000's calendar twin, 1 March 0000. */
static int command_date(int argc, char **argv) {
  (void)argc, (void)argv;
  u32 second_of_day, days = (u32)div64(wall_seconds(), 86400, &second_of_day) + 719468;
  u32 era = days / 146097, doe = days % 146097;
  u32 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  u32 mp = (5 * doy + 2) / 153, day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
  u32 year = era * 400 + yoe + (month <= 2);
  print("%04u-%02u-%02u %02u:%02u:%02u UTC\n", year, month, day, second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
  return 0;
}

static int command_sleep(int argc, char **argv) {
  u32 ms;
  if (argc != 2 || !parse_number(argv[1], &ms)) {
    print("usage: sleep <milliseconds>\n");
    return 1;
  }
  console_flush();
  task_sleep((u64)ms * NS_PER_MS);
  return 0;
}

static int command_cmdline(int argc, char **argv) {
  (void)argc, (void)argv;
  print("%s\n", command_line);
  return 0;
}

static int command_run(int argc, char **argv) {
  char line[LINE_SIZE];
  u32 n = 0;
  line[0] = 0;
  for (int i = argv[0][0] == 'r'; i < argc; i++) n += format(line + n, sizeof line - n, "%s ", argv[i]);
  return run_user(line);
}

static int command_poweroff(int argc, char **argv) {
  (void)argc, (void)argv;
  console_flush();
  power_off();
  return 0;
}

static const struct command commands[] = {
  {"help", command_help, "this list"},
  {"uname", command_uname, "what this is"},
  {"uptime", command_uptime, "time since boot, and how much of it was idle"},
  {"date", command_date, "wall clock"},
  {"mem", command_mem, "memory"},
  {"ps", command_ps, "tasks"},
  {"disk", command_disk, "[<number> write|verify|sum [seed]]: disks; a pattern all over one, is it there, its Adler-32; `disk 0 random-read 1000` and such measure, `disk 0 log` waits for the plug to be pulled"},
  {"net", command_net, "[<number> <address> | ping <address> [count] | bulk <address> [KiB] | echo <address> <count> <bytes>]: networks; answers pings, and echoes on UDP port 7"},
  {"soak", command_soak, "[<network> <address>]...: keeps all disks and those networks busy, and says what is typed, until that is `stop`"},
  {"cmdline", command_cmdline, "the kernel command line"},
  {"echo", command_echo, "<words>: print them"},
  {"hexdump", command_hexdump, "<address> [bytes]: kernel-virtual or (below 0xc0000000) guest-physical memory"},
  {"peek", command_hexdump, "<address>: the same, 4 bytes"},
  {"sleep", command_sleep, "<milliseconds>"},
  {"bench", command_run, "[name [scale]]: benchmarks; `bench list` names them"},
  {"run", command_run, "<program> [words]: any user program"},
  {"flood", command_flood, "[bytes]: that much known text, as fast as possible"},
  {"poweroff", command_poweroff, "end this guest"},
  {"exit", command_poweroff, "the same"},
  {NULL, NULL, NULL},
};

static int command_help(int argc, char **argv) {
  (void)argc, (void)argv;
  for (const struct command *c = commands; c->name; c++) print("  %-9s %s\n", c->name, c->help);
  for (const struct command *c = machine_commands; c->name; c++) print("  %-9s %s\n", c->name, c->help);
  return 0;
}

static const struct command *find_command(const struct command *c, const char *name) {
  for (; c->name; c++)
    if (!strcmp(c->name, name)) return c;
  return NULL;
}

/* One command or several separated by `;`. False after ^C. */
bool shell_execute(char *line) {
  for (char *next; line; line = next) {
    next = strchr(line, ';');
    if (next) *next++ = 0;
    char *argv[MAX_WORDS];
    int argc = 0;
    for (char *p = line; *p && argc < MAX_WORDS;) {
      while (*p == ' ' || *p == '\t') *p++ = 0;
      if (!*p) break;
      argv[argc++] = p;
      while (*p && *p != ' ' && *p != '\t') p++;
    }
    if (!argc) continue;
    const struct command *c = find_command(commands, argv[0]);
    if (!c) c = find_command(machine_commands, argv[0]);
    console_interrupted = false;
    if (c) c->run(argc, argv);
    else print("%s: no such command; `help` lists them\n", argv[0]);
    if (console_interrupted) {
      char c;
      if (console_poll(&c) && c != 3) print("\n"); /* the ^C itself */
      print("^C\n");
      return false;
    }
  }
  return true;
}

void shell_main(void *arg) {
  static char line[LINE_SIZE];
  shell_execute(arg);
  for (;;) {
    print(PROMPT);
    console_interrupted = false;
    if (read_line(line)) shell_execute(line);
  }
}
