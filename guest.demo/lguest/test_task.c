/* Tasks of the kernel itself: waiting, waking, sleeping. */
#include "kernel.h"

static volatile u32 slept_us[4];

static void sleeper(void *arg) {
  u32 n = (u32)arg;
  u64 start = now_ns();
  task_sleep((u64)n * 25 * NS_PER_MS);
  slept_us[n] = (u32)div64(now_ns() - start, 1000, NULL);
  task_exit((int)n);
}

static const char *sleeping(void) {
  static const u32 delays[] = {3, 1, 2};
  int sum = 0, status;
  for (u32 i = 0; i < 3; i++) task_kernel("sleeper", sleeper, (void *)delays[i]);
  for (u32 i = 0; i < 3; i++) {
    if (task_wait(-1, &status) < 0) return "a child was lost";
    sum += status;
  }
  for (u32 n = 1; n <= 3; n++)
    if (slept_us[n] < n * 25000) return fail("a sleep of %u ms took %u us", n * 25, slept_us[n]);
  return sum == 6 ? NULL : fail("exit statuses add up to %d", sum);
}

static volatile u32 turn, rounds;

static void pingpong(void *arg) {
  u32 me = (u32)arg;
  for (u32 i = 0; i < 200; i++) {
    while (turn != me) wait_on(&turn, 0);
    rounds++;
    turn = !me;
    wake(&turn);
  }
  task_exit(0);
}

static const char *waking(void) {
  int status;
  turn = rounds = 0;
  task_kernel("ping", pingpong, (void *)0);
  task_kernel("pong", pingpong, (void *)1);
  task_wait(-1, &status);
  task_wait(-1, &status);
  return rounds == 400 ? NULL : fail("%u of 400 rounds", rounds);
}

static const char *clock(void) {
  u64 last = now_ns(), start = last;
  u32 sec = lguest_data.time_sec, nsec = lguest_data.time_nsec;
  for (u32 i = 0; i < 1000; i++) {
    u64 t = now_ns();
    if (t < last) return "went backwards";
    last = t;
  }
  task_sleep(30 * NS_PER_MS);
  u64 slept = now_ns() - start;
  if (slept < 30 * NS_PER_MS) return "a sleep was too short";
  u32 moved = (lguest_data.time_sec - sec) * NS_PER_SEC + lguest_data.time_nsec - nsec;
  if (moved < 25 * NS_PER_MS) return fail("the Host's clock moved %u us while we slept 30 ms", moved / 1000);
  /* The Host's wall clock and our own must agree on how much time goes by. */
  s64 ours = (s64)wall_seconds(), theirs = (s64)lguest_data.time_sec;
  s64 apart = ours > theirs ? ours - theirs : theirs - ours;
  return apart <= 2 ? NULL : fail("our clock and the Host's are %d s apart", (int)apart);
}

const struct test tests_task[] = {
  {"task-sleeping", sleeping, 0},
  {"task-waking", waking, 0},
  {"clock", clock, 0},
  {0},
};
