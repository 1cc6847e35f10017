"""Where ``groundtone`` begins: imports nothing, so that a Ctrl-C is caught from the start.

Importing the commands takes half a second, in which they cannot catch it themselves.
"""

import sys


def run() -> int:
    """Run the command of the process's arguments and return its exit code."""
    try:
        from groundtone.cli import main

        return main.run()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        if "--json" in sys.argv:
            print('{"error": {"message": "Interrupted.", "remedy": "", "code": 130}}', flush=True)
        return 130


if __name__ == "__main__":
    sys.exit(run())
