// Who may do what: the project may call its models; who runs azd may deploy agents and talk to
// them. (Pushing images comes with the role that provisions all this.)

@description('Object id of the project\'s own identity.')
param projectPrincipalId string
@description('Object id of who runs azd; empty for none.')
param developerPrincipalId string
@description('What that is: User, ServicePrincipal or Group.')
param developerPrincipalType string

// Foundry User, which was Azure AI User.
var foundryUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '53ca6127-db72-4b80-b1b0-d745d6d5456d'
)

// Foundry itself may assign this role on the account when the project is made, and the same
// assignment twice is an error. The group holds no other account, so it gives no more than that.
resource projectCallsModels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, projectPrincipalId, foundryUser)
  properties: {
    principalId: projectPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: foundryUser
  }
}

resource developerTalks 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(developerPrincipalId)) {
  name: guid(resourceGroup().id, developerPrincipalId, foundryUser)
  properties: {
    principalId: developerPrincipalId
    principalType: developerPrincipalType
    roleDefinitionId: foundryUser
  }
}
