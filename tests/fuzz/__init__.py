"""Mutated real files through every reader: only a FileProblem or a Document may come out, in bounded time and memory."""
