// Package main is a Nakama plugin whose fleet manager is a Forge region: Nakama's matches get whole servers by
// POST /v1/allocations, and every user a ticket to show there. Build it with `go build -buildmode=plugin -trimpath`.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
)

// How long Forge may look for a free server before a Create has failed.
const createDeadline = 20 * time.Second

// TicketsKey is the metadata under which Create's callback finds each user's ticket.
const TicketsKey = "forge_tickets"

var errNotSupported = errors.New("a match server of Forge ends by itself, or by an operator")

// FleetManager places Nakama's matches on servers of one Forge experience.
type FleetManager struct {
	// URL of any controller of the run; calls for another region are passed on.
	URL string
	// Token of an allocator: short-lived, so it is asked for with each call.
	Token      func() (string, error)
	Experience string
	Client     *http.Client

	callbacks runtime.FmCallbackHandler
}

var _ runtime.FleetManagerInitializer = (*FleetManager)(nil)

func (f *FleetManager) Init(_ runtime.NakamaModule, callbacks runtime.FmCallbackHandler) error {
	f.callbacks = callbacks
	return nil
}

type server struct {
	ID        string         `json:"id"`
	Address   string         `json:"address"`
	Ports     map[string]int `json:"ports"`
	State     string         `json:"state"`
	Players   int            `json:"players"`
	CreatedAt time.Time      `json:"createdAt"`
}

type allocation struct {
	Server  server            `json:"server"`
	Tickets map[string]string `json:"tickets"`
}

// Create claims a whole server for the users, without waiting for it: the callback tells. The match's id is made here
// and sent with every attempt, so a lost answer costs no second server.
func (f *FleetManager) Create(ctx context.Context, maxPlayers int, userIds []string, latencies []runtime.FleetUserLatencies, metadata map[string]any, callback runtime.FmCreateCallbackFn) error {
	if len(userIds) == 0 || len(userIds) > maxPlayers {
		return fmt.Errorf("%d users for a match of at most %d: name at least one", len(userIds), maxPlayers)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	body := map[string]any{
		"experienceId": f.Experience,
		"matchId":      "nakama-" + hex.EncodeToString(id),
		"players":      playersOf(userIds, latencies),
		"deadlineMs":   createDeadline.Milliseconds(),
	}
	go f.create(context.WithoutCancel(ctx), body, metadata, callback)
	return nil
}

func (f *FleetManager) create(ctx context.Context, body, metadata map[string]any, callback runtime.FmCreateCallbackFn) {
	ctx, cancel := context.WithTimeout(ctx, createDeadline+10*time.Second)
	defer cancel()
	var got allocation
	if err := f.call(ctx, http.MethodPost, "/v1/allocations", body, &got); err != nil {
		status := runtime.CreateError
		var refusal *Refusal
		if errors.As(err, &refusal) && (refusal.Code == "deadlineExceeded" || refusal.Code == "noCapacity") {
			status = runtime.CreateTimeout
		}
		callback(status, nil, nil, nil, err)
		return
	}
	sessions := make([]*runtime.SessionInfo, 0, len(got.Tickets))
	for user, ticket := range got.Tickets {
		sessions = append(sessions, &runtime.SessionInfo{UserId: user, SessionId: ticket})
	}
	told := map[string]any{TicketsKey: got.Tickets}
	for key, value := range metadata {
		told[key] = value
	}
	callback(runtime.CreateSuccess, instanceOf(got.Server), sessions, told, nil)
}

// Join seats more users on a server, all or none; each SessionId is the ticket to show there within 30 seconds.
func (f *FleetManager) Join(ctx context.Context, id string, userIds []string, _ map[string]string) (*runtime.JoinInfo, error) {
	var answer struct {
		Items []struct {
			Session struct {
				PlayerID string `json:"playerId"`
			} `json:"session"`
			Ticket string `json:"ticket"`
		} `json:"items"`
	}
	path := "/v1/servers/" + url.PathEscape(id) + "/sessions"
	if err := f.call(ctx, http.MethodPost, path, map[string]any{"players": userIds}, &answer); err != nil {
		return nil, err
	}
	instance, err := f.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	sessions := make([]*runtime.SessionInfo, 0, len(answer.Items))
	for _, item := range answer.Items {
		sessions = append(sessions, &runtime.SessionInfo{UserId: item.Session.PlayerID, SessionId: item.Ticket})
	}
	return &runtime.JoinInfo{InstanceInfo: instance, SessionInfo: sessions}, nil
}

func (f *FleetManager) Get(ctx context.Context, id string) (*runtime.InstanceInfo, error) {
	var got server
	if err := f.call(ctx, http.MethodGet, "/v1/servers/"+url.PathEscape(id), nil, &got); err != nil {
		return nil, err
	}
	return instanceOf(got), nil
}

// List pages through the experience's servers; a query is the state they are in, none is any.
func (f *FleetManager) List(ctx context.Context, query string, limit int, previousCursor string) ([]*runtime.InstanceInfo, string, error) {
	ask := url.Values{"experienceId": {f.Experience}, "limit": {strconv.Itoa(limit)}}
	if query != "" {
		ask.Set("state", query)
	}
	if previousCursor != "" {
		ask.Set("after", previousCursor)
	}
	var page struct {
		Items []server `json:"items"`
		Next  *string  `json:"next"`
	}
	if err := f.call(ctx, http.MethodGet, "/v1/servers?"+ask.Encode(), nil, &page); err != nil {
		return nil, "", err
	}
	instances := make([]*runtime.InstanceInfo, len(page.Items))
	for i, item := range page.Items {
		instances[i] = instanceOf(item)
	}
	if page.Next == nil {
		return instances, "", nil
	}
	return instances, *page.Next, nil
}

// Update has nothing to do: Forge knows who is on a server from the server itself.
func (f *FleetManager) Update(context.Context, string, int, map[string]any) error { return nil }

// Delete is not an allocator's to do.
func (f *FleetManager) Delete(context.Context, string) error { return errNotSupported }

// Refusal is a problem of Forge's API; docs/errors.md lists the codes.
type Refusal struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (r *Refusal) Error() string { return fmt.Sprintf("forge: %s: %s", r.Code, r.Detail) }

func (f *FleetManager) call(ctx context.Context, method, path string, body, into any) error {
	token, err := f.Token()
	if err != nil {
		return fmt.Errorf("no token for Forge: %w", err)
	}
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, f.URL+path, &payload)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := f.Client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		refusal := &Refusal{Status: answer.StatusCode, Code: "unknown", Detail: answer.Status}
		_ = json.NewDecoder(answer.Body).Decode(refusal)
		return refusal
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

func playersOf(userIds []string, latencies []runtime.FleetUserLatencies) []map[string]any {
	measured := map[string]map[string]float32{}
	for _, latency := range latencies {
		if measured[latency.UserId] == nil {
			measured[latency.UserId] = map[string]float32{}
		}
		measured[latency.UserId][latency.RegionIdentifier] = latency.LatencyInMilliseconds
	}
	players := make([]map[string]any, len(userIds))
	for i, id := range userIds {
		players[i] = map[string]any{"playerId": id}
		if measured[id] != nil {
			players[i]["latencies"] = measured[id]
		}
	}
	return players
}

func instanceOf(s server) *runtime.InstanceInfo {
	port := 0
	for name, number := range s.Ports {
		if name == "game" || (port == 0 && name != "sdk") {
			port = number
		}
	}
	return &runtime.InstanceInfo{
		Id:             s.ID,
		ConnectionInfo: &runtime.ConnectionInfo{IpAddress: s.Address, Port: port},
		CreateTime:     s.CreatedAt,
		PlayerCount:    s.Players,
		Status:         s.State,
	}
}
