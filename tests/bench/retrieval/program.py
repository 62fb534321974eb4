"""The program, as the plugins beside this file call it."""

import os
import subprocess


class Program:
    def __init__(self, path, environment=None):
        self.path = os.path.abspath(path)
        self.environment = environment

    def __call__(self, root, *words):
        """What it prints in a repository."""
        done = subprocess.run(
            [self.path, "-C", root, *words],
            capture_output=True,
            env=self.environment,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode("utf8", "replace"))
        return done.stdout.decode("utf8", "replace")
