"""The playground: a page that speaks to any miner over HTTP and shows what it does."""
