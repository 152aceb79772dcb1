"""`make bench`: everything that is claimed of speed, measured in one run on this machine.

    python -m bench [--part shapes,profiles,small,…] [--repeats 5] [--megabytes 60]

Its parts are shapes (bench/shapes.py), profiles (bench/profiles.py), and those of bench/exectrace.py.
"""

import argparse

from bench import exectrace, profiles, shapes


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--part", default=f"shapes,{exectrace.PARTS},profiles")
    parts = set(parser.parse_known_args()[0].part.split(","))
    if "shapes" in parts:
        shapes.main()
    if parts - {"profiles", "shapes"}:
        exectrace.main()
    if "profiles" in parts:
        profiles.main()


if __name__ == "__main__":
    main()
