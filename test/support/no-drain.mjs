// Loaded into a service in place of its drain: what a process does that has none. Shows that the drain test can see a loss.
process.on('SIGTERM', () => process.exit(0));
