"""What a run would do, told and judged before anything is changed; catalog.py, rows.py and planner.py ask."""
