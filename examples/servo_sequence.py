"""Servo through saved goals by the action `~/servo_sequence`; Ctrl-C stops the arm.

cns goals save above                     # with the suite running, at each view to return to
cns goals save beside
python examples/servo_sequence.py above beside --arm
"""

import argparse
import sys

from servo_action import follow, tell

from cns_interfaces.action import ServoSequence


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("goals", nargs="+", help="names of saved goals, in their order")
    parser.add_argument("--arm", action="store_true", help="arm the driver: the arm moves")
    words = parser.parse_args()

    def told(feedback):
        print(f"{feedback.index + 1} of {len(words.goals)}: ", end="")
        tell(feedback.progress)

    goal = ServoSequence.Goal(goals=words.goals, arm=words.arm)
    result = follow("supervisor/servo_sequence", ServoSequence, goal, told)
    if result is None:
        return 1
    for outcome in result.outcomes:
        print(f"{outcome.goal}: {outcome.verdict}")
    return 0 if result.reached else 1


if __name__ == "__main__":
    sys.exit(main())
