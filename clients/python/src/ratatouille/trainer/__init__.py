"""The trainer: takes jobs, has training code run them, and brings results to the system. The command is in `main`."""
