"""Put first on PYTHONPATH by `flightlog run`: Python imports this before the program starts."""
