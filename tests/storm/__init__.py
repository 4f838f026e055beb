"""`make storm`: a whole night through HTTP alone, told by its timeline and watched by somebody who only looks."""
