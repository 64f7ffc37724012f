"""What a whole caseload costs: reading it, replaying it, and taking in one new day from what is stored."""
