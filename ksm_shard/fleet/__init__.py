"""Commands about a whole fleet. They ask its shards over HTTP and know nothing else of them."""
