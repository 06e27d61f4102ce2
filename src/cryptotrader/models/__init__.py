"""Messages of Binance Spot as immutable, typed Structs."""
