"""Two checkpoints side by side: what is asked for, the aligned tree, the work behind it, the verbs, and what the window shows of it."""
