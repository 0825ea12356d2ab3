"""The zoo: functions that return a `Problem` whose solution is known."""
