module example.com/benchmarked

go 1.21
