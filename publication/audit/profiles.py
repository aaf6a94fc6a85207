def check(f): return iter(())
