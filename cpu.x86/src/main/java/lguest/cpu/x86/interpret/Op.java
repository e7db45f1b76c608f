package lguest.cpu.x86.interpret;

/**
 * One instruction of a block, ready to run: its operands are resolved to addresses of the state block. Throws a GuestFault
 * before it changes anything.
 */
abstract class Op {
  abstract void run(Core c);
}
