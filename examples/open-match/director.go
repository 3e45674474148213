// Package main is an Open Match director whose game servers are Forge's: it fetches matches, claims a whole server for
// each by POST /v1/allocations, and assigns every ticket the server's address and the player's own ticket.
// It speaks to both over plain HTTP and needs nothing but Go's standard library.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// How long Forge may look for a free server before a match's players go back into the pool.
const allocateDeadline = 20 * time.Second

// LatencyPrefix begins the names of the doubleArgs in which a player's client puts what it measured, in milliseconds:
// `latency.us-east`.
const LatencyPrefix = "latency."

// TicketKey is the extension of an assignment that holds what the player shows to the game server.
const TicketKey = "forge.ticket"

// Director turns matches of one profile into matches on servers of one Forge experience.
type Director struct {
	// OpenMatch is the URL of Open Match's backend, Forge that of any controller of the run.
	OpenMatch, Forge string
	// Token of an allocator: short-lived, so it is asked for with each call.
	Token      func() (string, error)
	Experience string
	// Function says where the match function answers, Profile which matches are asked for, as Open Match takes them.
	Function, Profile json.RawMessage
	Client            *http.Client
}

// Match as Open Match proposes it; its REST writes names as its protobuf has them.
type Match struct {
	ID      string   `json:"match_id"`
	Tickets []Ticket `json:"tickets"`
}

// Ticket of one player, who is named by the stringArg `playerId`, else by the ticket itself.
type Ticket struct {
	ID           string `json:"id"`
	SearchFields struct {
		DoubleArgs map[string]float64 `json:"double_args"`
		StringArgs map[string]string  `json:"string_args"`
	} `json:"search_fields"`
}

// Player is whom the ticket is of, as Forge names players.
func (t Ticket) Player() string {
	if id := t.SearchFields.StringArgs["playerId"]; id != "" {
		return id
	}
	return t.ID
}

// Latencies are what the player's client measured, by region.
func (t Ticket) Latencies() map[string]float64 {
	measured := map[string]float64{}
	for name, ms := range t.SearchFields.DoubleArgs {
		if region, found := strings.CutPrefix(name, LatencyPrefix); found {
			measured[region] = ms
		}
	}
	return measured
}

// Round fetches the matches that there are now and gives each a server. Tickets of a match that got none go back into the
// pool. It returns how many matches play, and every failure.
func (d *Director) Round(ctx context.Context) (int, error) {
	matches, err := d.fetch(ctx)
	if err != nil {
		return 0, err
	}
	played, failures := 0, []error{}
	for _, match := range matches {
		if err := d.place(ctx, match); err != nil {
			failures = append(failures, fmt.Errorf("match %s: %w", match.ID, err), d.release(ctx, match))
			continue
		}
		played++
	}
	return played, errors.Join(failures...)
}

func (d *Director) place(ctx context.Context, match Match) error {
	players := make([]map[string]any, 0, len(match.Tickets))
	for _, ticket := range match.Tickets {
		players = append(players, map[string]any{"playerId": ticket.Player(), "latencies": ticket.Latencies()})
	}
	ctx, cancel := context.WithTimeout(ctx, allocateDeadline+10*time.Second)
	defer cancel()
	// The match's own id: asked again after a lost answer, the same match has the same server.
	body := map[string]any{
		"experienceId": d.Experience, "matchId": match.ID, "players": players,
		"deadlineMs": allocateDeadline.Milliseconds(),
	}
	var got struct {
		Connection string            `json:"connection"`
		Tickets    map[string]string `json:"tickets"`
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	if err := d.post(ctx, d.Forge+"/v1/allocations", token, body, &got); err != nil {
		return err
	}
	return d.assign(ctx, match, got.Connection, got.Tickets)
}

// assign gives each ticket an assignment of its own: what a player shows at the door is nobody else's.
func (d *Director) assign(ctx context.Context, match Match, connection string, tickets map[string]string) error {
	groups := make([]map[string]any, 0, len(match.Tickets))
	for _, ticket := range match.Tickets {
		shown := map[string]any{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": tickets[ticket.Player()]}
		groups = append(groups, map[string]any{
			"ticketIds":  []string{ticket.ID},
			"assignment": map[string]any{"connection": connection, "extensions": map[string]any{TicketKey: shown}},
		})
	}
	var answer struct {
		Failures []struct {
			TicketID string `json:"ticket_id"`
			Cause    string `json:"cause"`
		} `json:"failures"`
	}
	if err := d.post(ctx, d.OpenMatch+"/v1/backendservice/tickets:assign", "", map[string]any{"assignments": groups}, &answer); err != nil {
		return err
	}
	if len(answer.Failures) > 0 {
		// Who left the queue meanwhile: the seat goes back when its lease ends.
		return fmt.Errorf("%d tickets are gone, the first is %s", len(answer.Failures), answer.Failures[0].TicketID)
	}
	return nil
}

func (d *Director) release(ctx context.Context, match Match) error {
	ids := make([]string, 0, len(match.Tickets))
	for _, ticket := range match.Tickets {
		ids = append(ids, ticket.ID)
	}
	return d.post(ctx, d.OpenMatch+"/v1/backendservice/tickets:release", "", map[string]any{"ticketIds": ids}, nil)
}

// fetch reads the stream of matches to its end.
func (d *Director) fetch(ctx context.Context) ([]Match, error) {
	body := map[string]any{"config": d.Function, "profile": d.Profile}
	response, err := d.send(ctx, d.OpenMatch+"/v1/backendservice/matches:fetch", "", body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	matches := []Match{}
	for lines := json.NewDecoder(response.Body); ; {
		var line struct {
			Result struct {
				Match Match `json:"match"`
			} `json:"result"`
			Error *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return matches, nil
		} else if err != nil {
			return matches, err
		}
		if line.Error != nil {
			return matches, errors.New(line.Error.Message)
		}
		matches = append(matches, line.Result.Match)
	}
}

func (d *Director) post(ctx context.Context, url, token string, body, answer any) error {
	response, err := d.send(ctx, url, token, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func (d *Director) send(ctx context.Context, url, token string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	if token != "" {
		request.Header.Set("authorization", "Bearer "+token)
	}
	response, err := d.Client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		defer response.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return nil, fmt.Errorf("%s answered %d: %s", url, response.StatusCode, said)
	}
	return response, nil
}
