module example.com/forge-open-match

go 1.21
