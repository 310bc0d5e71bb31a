// What a page written with Relay asks. Only relay-compiler reads this.
import { graphql } from "relay-runtime";

export const viewer = graphql`
  query hallViewerQuery {
    viewer {
      account {
        email
      }
    }
  }
`;

export const network = graphql`
  query hallNetworkQuery($id: ID!) {
    network(id: $id) {
      ...hall_members
    }
  }
`;

// `node` and keyset connections are what makes a list refetchable by its owner's id.
export const members = graphql`
  fragment hall_members on Network
  @refetchable(queryName: "hallMembersQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 1 }, cursor: { type: "String" }) {
    name
    members(first: $count, after: $cursor) @connection(key: "hall_members") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

export const nothing = graphql`
  query hallNodeQuery($id: ID!) {
    viewer {
      account {
        email
      }
    }
    node(id: $id) {
      id
    }
  }
`;

export const board = graphql`
  query hallBoardQuery($boardId: ID!) {
    questionBoard(id: $boardId) {
      cursor
      board {
        title
      }
      questions(first: 50) @connection(key: "hall_questions") {
        edges {
          node {
            body
            votes
          }
        }
      }
    }
  }
`;

export const live = graphql`
  subscription hallBoardSubscription($boardId: ID!, $after: FeedCursor) {
    questionBoard(id: $boardId, after: $after) {
      __typename
      ... on Added {
        cursor
        node {
          id
          ... on Question {
            body
            votes
          }
        }
      }
      ... on Changed {
        cursor
        node {
          id
          ... on Question {
            body
            votes
          }
        }
      }
      ... on Removed {
        cursor
        id @deleteRecord
      }
      ... on Counters {
        cursor
        nodes {
          id
          ... on Question {
            votes
          }
        }
      }
      ... on Heartbeat {
        cursor
      }
    }
  }
`;

export const ask = graphql`
  mutation hallAskMutation($boardId: ID!, $body: String!) {
    askQuestion(boardId: $boardId, input: { body: $body }) {
      question {
        id
        body
      }
      problems {
        code
      }
    }
  }
`;
