package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/heroiclabs/nakama-common/runtime"
)

// InitModule is what Nakama calls when it loads the plugin. FORGE_TOKEN_FILE is read with each call, so that whoever
// renews the token only has to write the file.
func InitModule(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	address, experience, file := os.Getenv("FORGE_ADDR"), os.Getenv("FORGE_EXPERIENCE"), os.Getenv("FORGE_TOKEN_FILE")
	if address == "" || experience == "" || file == "" {
		return errors.New("set FORGE_ADDR, FORGE_EXPERIENCE and FORGE_TOKEN_FILE")
	}
	return initializer.RegisterFleetManager(&FleetManager{
		URL:        strings.TrimRight(address, "/"),
		Token:      func() (string, error) { token, err := os.ReadFile(file); return strings.TrimSpace(string(token)), err },
		Experience: experience,
		Client:     http.DefaultClient,
	})
}

func main() {}
