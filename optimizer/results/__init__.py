"""What people get of a solution: the folder, JSON, CSV, the terminal, the page and the workbook."""
