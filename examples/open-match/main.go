package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	openMatch := flag.String("open-match", "http://om-backend:51505", "Open Match's backend")
	function := flag.String("function", `{"host": "match-function", "port": 50502, "type": "GRPC"}`, "where the match function answers")
	profile := flag.String("profile", `{"name": "everyone", "pools": [{"name": "everyone"}]}`, "which matches are asked for")
	every := flag.Duration("every", time.Second, "between rounds")
	once := flag.Bool("once", false, "one round")
	flag.Parse()
	director := &Director{
		OpenMatch:  *openMatch,
		Forge:      os.Getenv("FORGE_ADDR"),
		Token:      token,
		Experience: os.Getenv("FORGE_EXPERIENCE"),
		Function:   json.RawMessage(*function),
		Profile:    json.RawMessage(*profile),
		Client:     http.DefaultClient,
	}
	if director.Forge == "" || director.Experience == "" {
		log.Fatal("FORGE_ADDR (any controller) and FORGE_EXPERIENCE (one with seats = \"match\") are needed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		played, err := director.Round(ctx)
		if err != nil {
			log.Print(err)
		}
		if played > 0 || *once {
			fmt.Printf("%d matches play\n", played)
		}
		if *once && err != nil {
			os.Exit(1)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(*every):
			if *once {
				return
			}
		}
	}
}

// token is read anew with each call: whoever writes the file renews it.
func token() (string, error) {
	if file := os.Getenv("FORGE_TOKEN_FILE"); file != "" {
		text, err := os.ReadFile(file)
		return strings.TrimSpace(string(text)), err
	}
	return os.Getenv("FORGE_TOKEN"), nil
}
