"""What is looked for in a message before anybody approves it: one module per kind. Each finding says what to do."""
