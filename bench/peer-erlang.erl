%% peer-erlang.erl
%% SPDX-License-Identifier: LGPL-2.1-or-later

%% An echo server in Erlang: a process for each connection, which the socket sends at most ACTIVE messages before it must be asked again,
%% and several acceptors. The emulator's +S says on how many cores.

-module('peer-erlang').
-export([serve/0, version/0]).

-define(ACCEPTORS, 8).
-define(ACTIVE, 1000).
-define(BUFFER, 65536).

%% erl … -run peer-erlang version
version() ->
    io:format("Erlang ~s gen_tcp~n", [erlang:system_info(otp_release)]),
    halt().

%% erl … -run peer-erlang serve -work STEPS
serve() ->
    os:set_signal(sigterm, default),
    spawn(fun() -> listen(steps(init:get_argument(work))) end).

steps({ok, [[Steps]]}) -> list_to_integer(Steps);
steps(error) -> 0.

listen(Steps) ->
    {ok, Listener} = gen_tcp:listen(0, [binary, {ip, {127, 0, 0, 1}}, {backlog, 1024}, {active, false}, {nodelay, true},
                                        {buffer, ?BUFFER}]),
    {ok, Port} = inet:port(Listener),
    [spawn_link(fun() -> accept(Listener, Steps) end) || _ <- lists:seq(1, ?ACCEPTORS)],
    io:format("listening on tcp:127.0.0.1:~b~n", [Port]),
    receive after infinity -> ok end.

%% Whoever accepts a connection keeps it, and leaves the next one to a new acceptor.
accept(Listener, Steps) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    spawn(fun() -> accept(Listener, Steps) end),
    inet:setopts(Socket, [{active, ?ACTIVE}]),
    echo(Socket, Steps).

echo(Socket, Steps) ->
    receive
        {tcp, Socket, Data} ->
            work(Steps, 2463534242),
            gen_tcp:send(Socket, Data),
            echo(Socket, Steps);
        {tcp_passive, Socket} ->
            inet:setopts(Socket, [{active, ?ACTIVE}]),
            echo(Socket, Steps);
        {tcp_closed, Socket} ->
            ok;
        {tcp_error, Socket, _} ->
            gen_tcp:close(Socket)
    end.

%% As in echo-work.h.
work(0, State) -> State;
work(Steps, State) ->
    A = (State bxor (State bsl 13)) band 16#ffffffff,
    B = A bxor (A bsr 17),
    work(Steps - 1, (B bxor (B bsl 5)) band 16#ffffffff).
