module formatted

go 1.21
