-- Finds a membership by its member, and the open codes of one member or person: for leaving, and for the bounds on codes.
-- depends: 0003_access

-- migrate: apply

CREATE UNIQUE INDEX membership_by_member ON membership (family_id, member_id);
CREATE INDEX invite_by_inviter ON invite (family_id, invited_by);
CREATE INDEX pair_code_by_person ON pair_code (person_id);

-- migrate: rollback

DROP INDEX pair_code_by_person;
DROP INDEX invite_by_inviter;
DROP INDEX membership_by_member;
