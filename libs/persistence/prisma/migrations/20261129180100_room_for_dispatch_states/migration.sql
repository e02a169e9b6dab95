-- Updated at every tick of an agent: see 20261122180000_room_for_new_versions.
ALTER TABLE "agent_dispatch" SET (fillfactor = 50);
