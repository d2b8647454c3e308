"""Suite of disturbances: finished runs meet test inputs that are missing, damaged or wrong; nothing is trained."""
