\ The machine's own benchmarks in Forth words. Run as: gforth-fast loop.fs -e "<word> bye"
\ Each prints the microseconds of processor time that it took.
: used ( -- d ) cputime d+ ;
: timed ( xt -- ) used 2>r execute used 2r> d- d. ;

10000000 constant rounds

\ Eight words a round: DUP 3 * 5 + XOR 1+, and the loop.
: (arithmetic) 0 rounds 0 do dup 3 * 5 + xor 1+ loop drop ;
: arithmetic ['] (arithmetic) timed ;

\ Three calls deep and back: as in the call chain.
: c 1+ ;
: b c ;
: a b ;
: (calls) 0 rounds 0 do a loop drop ;
: calls ['] (calls) timed ;

\ A catch and a throw in a loop of words like the machine's 16 instructions.
: thunk 3 1+ 0 1 5 throw ;
: (panics) rounds 10 / 0 do ['] thunk catch drop 1 1+ 1+ 1+ drop loop ;
: panics ['] (panics) timed ;
